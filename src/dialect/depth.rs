//! How deep a script nests: the parser calls itself for each level, and has no limit of its own.

use full_moon::LuaVersion;
use full_moon::tokenizer::Lexer;
use full_moon::tokenizer::LexerResult;
use full_moon::tokenizer::Symbol;
use full_moon::tokenizer::TokenType;

use super::Error;

/// The most levels: LuaJIT has 200.
const MAX: usize = 200;

/// The longest text.
const LENGTH_MAX: usize = 16 << 20;

/// Returns what the parser is to understand.
pub(super) fn version() -> LuaVersion {
    LuaVersion::lua54().with_luajit()
}

/// Refuses what the parser should not see.
pub(super) fn check(text: &str) -> Result<(), Error> {
    if text.len() > LENGTH_MAX {
        return Err(Error {
            line: 1,
            place: (0, 0),
            message: format!("more than {LENGTH_MAX} bytes"),
        });
    }
    let mut lexer = Lexer::new(text, version());
    // Of each open bracket and block, how many operators wait for their right side.
    let mut open: Vec<usize> = Vec::new();
    let (mut waiting, mut total) = (0, 0);
    while let Some(LexerResult::Ok(token)) = lexer.consume() {
        match token.token_type() {
            TokenType::Eof => break,
            TokenType::Symbol { symbol } => match role(*symbol) {
                Role::Opens => {
                    open.push(waiting);
                    total += waiting + 1;
                    waiting = 0;
                }
                Role::Closes => {
                    waiting = open.pop().unwrap_or(0);
                    total = total.saturating_sub(waiting + 1);
                }
                Role::Waits => waiting += 1,
                Role::Ends => waiting = 0,
                Role::Other => {}
            },
            _ => {}
        }
        if total + waiting > MAX {
            let (start, end) = (token.token().start_position(), token.token().end_position());
            return Err(Error {
                line: start.line(),
                place: (start.bytes(), end.bytes()),
                message: format!("nested more than {MAX} levels deep"),
            });
        }
    }
    Ok(())
}

/// What a symbol does to the depth.
enum Role {
    Opens,
    Closes,
    /// An operator whose right side is read one level deeper.
    Waits,
    /// No expression goes on behind it.
    Ends,
    Other,
}

fn role(symbol: Symbol) -> Role {
    match symbol {
        Symbol::LeftParen
        | Symbol::LeftBrace
        | Symbol::LeftBracket
        | Symbol::Function
        | Symbol::Do
        | Symbol::If
        | Symbol::Repeat => Role::Opens,
        Symbol::RightParen
        | Symbol::RightBrace
        | Symbol::RightBracket
        | Symbol::End
        | Symbol::Until => Role::Closes,
        Symbol::Not
        | Symbol::Minus
        | Symbol::Hash
        | Symbol::Tilde
        | Symbol::TwoDots
        | Symbol::Caret => Role::Waits,
        Symbol::Comma
        | Symbol::Semicolon
        | Symbol::Local
        | Symbol::Return
        | Symbol::Then
        | Symbol::Else
        | Symbol::ElseIf
        | Symbol::Equal
        | Symbol::While
        | Symbol::For
        | Symbol::And
        | Symbol::Or
        | Symbol::Break => Role::Ends,
        _ => Role::Other,
    }
}
