//! Numbers as they are written, and constants made of them.

use full_moon::ast::BinOp;
use full_moon::ast::Expression;
use full_moon::ast::UnOp;

/// Where doubles stop to have every integer.
pub(super) const EXACT: i128 = 1 << 53;

/// Returns an integer as Lua 5.4 reads it; `None` of a float, and of a LuaJIT literal with a suffix.
pub(super) fn integer(text: &str) -> Option<i128> {
    let lower = text.to_ascii_lowercase();
    if let Some(digits) = lower.strip_prefix("0x") {
        // What is too long wraps around.
        let mut value: u64 = 0;
        for digit in digits.chars() {
            value = value.wrapping_mul(16).wrapping_add(digit.to_digit(16)?.into());
        }
        return (!digits.is_empty()).then(|| i128::from(value.cast_signed()));
    }
    // What is too long is a float.
    lower.parse::<i64>().ok().map(i128::from)
}

/// Returns the value of an expression of constants, where it has one.
pub(super) fn constant(expression: &Expression) -> Option<i128> {
    let value = match expression {
        Expression::Number(token) => integer(token.token().to_string().trim())?,
        Expression::Parentheses { expression, .. } => constant(expression)?,
        Expression::UnaryOperator { unop, expression } => {
            let value = constant(expression)?;
            match unop {
                UnOp::Minus(_) => value.checked_neg()?,
                UnOp::Tilde(_) => !value,
                _ => return None,
            }
        }
        Expression::BinaryOperator { lhs, binop, rhs } => {
            let (left, right) = (constant(lhs)?, constant(rhs)?);
            match binop {
                BinOp::Plus(_) => left.checked_add(right)?,
                BinOp::Minus(_) => left.checked_sub(right)?,
                BinOp::Star(_) => left.checked_mul(right)?,
                BinOp::Caret(_) => left.checked_pow(u32::try_from(right).ok()?)?,
                BinOp::DoubleLessThan(_) if (0..64).contains(&right) => {
                    left.checked_shl(u32::try_from(right).ok()?)?
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    i64::try_from(value).ok().map(i128::from)
}
