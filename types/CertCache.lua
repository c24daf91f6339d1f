---@meta
-- Printed by `luaproxy types`: do not edit.

--- A global.
---@class CertCache
CertCache = {}

--- replaces a certificate that is in use, by the name of its file; connections that stand keep the old one
---@param certificate { filename: string, crt: string, key?: string, issuer?: string, ocsp?: string }
function CertCache.set(certificate) end
