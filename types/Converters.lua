---@meta
-- Printed by `luaproxy types`: do not edit.

--- HAProxy's own, as methods.
---@class Converters
local Converters = {}

--- `add`: adds
---@param input string|number|boolean
---@param text string
---@return integer|nil
function Converters:add(input, text) end

--- `add_item`: adds an item to a list
---@param input string|number|boolean
---@param text2 string
---@param text3 string
---@param text4? string
---@return string|nil
function Converters:add_item(input, text2, text3, text4) end

--- `and`: keeps the bits that both have
---@param input string|number|boolean
---@param text string
---@return integer|nil
Converters["and"] = function(self, input, text) end

--- `b64dec`: from base64
---@param input string|number|boolean
---@return string|nil
function Converters:b64dec(input) end

--- `base2`: to binary digits
---@param input string|number|boolean
---@return string|nil
function Converters:base2(input) end

--- `base64`: to base64
---@param input string|number|boolean
---@return string|nil
function Converters:base64(input) end

--- `be2dec`: chunks as decimal numbers
---@param input string|number|boolean
---@param text string
---@param number3? integer
---@param number4? integer
---@return string|nil
function Converters:be2dec(input, text, number3, number4) end

--- `be2hex`: chunks in hexadecimal
---@param input string|number|boolean
---@param text string
---@param number3? integer
---@param number4? integer
---@return string|nil
function Converters:be2hex(input, text, number3, number4) end

--- `bool`: true, unless it is 0
---@param input string|number|boolean
---@return boolean|integer|nil
function Converters:bool(input) end

--- `bytes`: some bytes: from an offset, of a length
---@param input string|number|boolean
---@param text2 string
---@param text3? string
---@return string|nil
function Converters:bytes(input, text2, text3) end

--- `capture-req`: keeps it in a slot
---@param input string|number|boolean
---@param number integer
---@return string|nil
function Converters:capture_req(input, number) end

--- `capture-res`: keeps it in a slot
---@param input string|number|boolean
---@param number integer
---@return string|nil
function Converters:capture_res(input, number) end

--- `concat`: adds text, a variable and more text
---@param input string|number|boolean
---@param text2 string
---@param text3? string
---@param text4? string
---@return string|nil
function Converters:concat(input, text2, text3, text4) end

--- `cpl`: inverts all bits
---@param input string|number|boolean
---@return integer|nil
function Converters:cpl(input) end

--- `crc32`: a hash of 32 bits
---@param input string|number|boolean
---@param number? integer
---@return integer|nil
function Converters:crc32(input, number) end

--- `crc32c`: a hash of 32 bits
---@param input string|number|boolean
---@param number? integer
---@return integer|nil
function Converters:crc32c(input, number) end

--- `cut_crlf`: removes the end of the line
---@param input string|number|boolean
---@return string|nil
function Converters:cut_crlf(input) end

--- `date`: the seconds since 1970 of a date of HTTP
---@param input string|number|boolean
---@return integer|nil
function Converters:date(input) end

--- `debug`: passes it on
---@param input string|number|boolean
---@param text2? string
---@param text3? string
---@return string|number|boolean|nil
function Converters:debug(input, text2, text3) end

--- `digest`: a digest by its name
---@param input string|number|boolean
---@param text string
---@return string|nil
function Converters:digest(input, text) end

--- `div`: divides; by 0 it is the largest number
---@param input string|number|boolean
---@param text string
---@return integer|nil
function Converters:div(input, text) end

--- `djb2`: a hash of 32 bits
---@param input string|number|boolean
---@param number? integer
---@return integer|nil
function Converters:djb2(input, number) end

--- `even`: whether it is even
---@param input string|number|boolean
---@return boolean|integer|nil
function Converters:even(input) end

--- `fe_exists`: whether a frontend is there
---@param input string|number|boolean
---@return boolean|integer|nil
function Converters:fe_exists(input) end

--- `field`: a field between separators
---@param input string|number|boolean
---@param number2 integer
---@param text string
---@param number4? integer
---@return string|nil
function Converters:field(input, number2, text, number4) end

--- `has_ctl`: whether it has control characters
---@param input string|number|boolean
---@param text? string
---@return boolean|integer|nil
function Converters:has_ctl(input, text) end

--- `hex`: to hexadecimal digits
---@param input string|number|boolean
---@return string|nil
function Converters:hex(input) end

--- `hex2i`: from hexadecimal digits
---@param input string|number|boolean
---@return integer|nil
function Converters:hex2i(input) end

--- `hmac`: a digest with a key in base64 or in a variable
---@param input string|number|boolean
---@param text2 string
---@param text3 string
---@return string|nil
function Converters:hmac(input, text2, text3) end

--- `host_only`: a host without its port
---@param input string|number|boolean
---@return string|nil
function Converters:host_only(input) end

--- `htonl`: the four bytes of a number
---@param input string|number|boolean
---@return string|nil
function Converters:htonl(input) end

--- `http_date`: writes a date as HTTP does
---@param input string|number|boolean
---@param number? integer
---@param text? string
---@return string|nil
function Converters:http_date(input, number, text) end

--- `iif`: one text if true, another if false
---@param input string|number|boolean
---@param text2 string
---@param text3 string
---@return string|nil
function Converters:iif(input, text2, text3) end

--- `ipmask`: the network of an address
---@param input string|number|boolean
---@param mask string|integer
---@param mask? string|integer
---@return string|nil
function Converters:ipmask(input, mask, mask) end

--- `json`: escapes text for JSON
---@param input string|number|boolean
---@param text? string
---@return string|nil
function Converters:json(input, text) end

--- `json_query`: a value in a document
---@param input string|number|boolean
---@param text2 string
---@param text3? string
---@return string|number|boolean|nil
function Converters:json_query(input, text2, text3) end

--- `le2dec`: chunks as decimal numbers
---@param input string|number|boolean
---@param text string
---@param number3? integer
---@param number4? integer
---@return string|nil
function Converters:le2dec(input, text, number3, number4) end

--- `length`: how many bytes it has
---@param input string|number|boolean
---@return integer|nil
function Converters:length(input) end

--- `lower`: in lower case
---@param input string|number|boolean
---@return string|nil
function Converters:lower(input) end

--- `ltime`: writes a date with a format
---@param input string|number|boolean
---@param text string
---@param number? integer
---@return string|nil
function Converters:ltime(input, text, number) end

--- `ltrim`: without some characters at the start
---@param input string|number|boolean
---@param text string
---@return string|nil
function Converters:ltrim(input, text) end

--- `map`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map(input, file, text) end

--- `map_beg`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_beg(input, file, text) end

--- `map_beg_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_beg_int(input, file, text) end

--- `map_beg_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_beg_ip(input, file, text) end

--- `map_beg_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_beg_key(input, file, text) end

--- `map_dir`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_dir(input, file, text) end

--- `map_dir_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_dir_int(input, file, text) end

--- `map_dir_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_dir_ip(input, file, text) end

--- `map_dir_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_dir_key(input, file, text) end

--- `map_dom`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_dom(input, file, text) end

--- `map_dom_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_dom_int(input, file, text) end

--- `map_dom_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_dom_ip(input, file, text) end

--- `map_dom_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_dom_key(input, file, text) end

--- `map_end`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_end(input, file, text) end

--- `map_end_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_end_int(input, file, text) end

--- `map_end_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_end_ip(input, file, text) end

--- `map_end_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_end_key(input, file, text) end

--- `map_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_int(input, file, text) end

--- `map_int_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_int_int(input, file, text) end

--- `map_int_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_int_ip(input, file, text) end

--- `map_int_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_int_key(input, file, text) end

--- `map_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_ip(input, file, text) end

--- `map_ip_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_ip_int(input, file, text) end

--- `map_ip_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_ip_ip(input, file, text) end

--- `map_ip_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_ip_key(input, file, text) end

--- `map_reg`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_reg(input, file, text) end

--- `map_reg_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_reg_int(input, file, text) end

--- `map_reg_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_reg_ip(input, file, text) end

--- `map_reg_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_reg_key(input, file, text) end

--- `map_regm`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_regm(input, file, text) end

--- `map_str`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_str(input, file, text) end

--- `map_str_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_str_int(input, file, text) end

--- `map_str_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_str_ip(input, file, text) end

--- `map_str_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_str_key(input, file, text) end

--- `map_sub`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_sub(input, file, text) end

--- `map_sub_int`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return integer|nil
function Converters:map_sub_int(input, file, text) end

--- `map_sub_ip`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_sub_ip(input, file, text) end

--- `map_sub_key`: looks up a map
---@param input string|number|boolean
---@param file string
---@param text? string
---@return string|nil
function Converters:map_sub_key(input, file, text) end

--- `mod`: the rest of a division
---@param input string|number|boolean
---@param text string
---@return integer|nil
function Converters:mod(input, text) end

--- `ms_ltime`: writes a date with a format
---@param input string|number|boolean
---@param text string
---@param number? integer
---@return string|nil
function Converters:ms_ltime(input, text, number) end

--- `ms_utime`: writes a date with a format
---@param input string|number|boolean
---@param text string
---@param number? integer
---@return string|nil
function Converters:ms_utime(input, text, number) end

--- `mul`: multiplies
---@param input string|number|boolean
---@param text string
---@return integer|nil
function Converters:mul(input, text) end

--- `nbsrv`: usable servers of a backend
---@param input string|number|boolean
---@return integer|nil
function Converters:nbsrv(input) end

--- `neg`: changes the sign
---@param input string|number|boolean
---@return integer|nil
function Converters:neg(input) end

--- `not`: true, if it is 0
---@param input string|number|boolean
---@return boolean|integer|nil
Converters["not"] = function(self, input) end

--- `odd`: whether it is odd
---@param input string|number|boolean
---@return boolean|integer|nil
function Converters:odd(input) end

--- `or`: the bits that one of both has
---@param input string|number|boolean
---@param text string
---@return integer|nil
Converters["or"] = function(self, input, text) end

--- `param`: a parameter of a query string
---@param input string|number|boolean
---@param text2 string
---@param text3? string
---@return string|nil
function Converters:param(input, text2, text3) end

--- `port_only`: the port after a host, or 0
---@param input string|number|boolean
---@return integer|nil
function Converters:port_only(input) end

--- `regsub`: replaces what an expression matches
---@param input string|number|boolean
---@param regex string
---@param text3 string
---@param text4? string
---@return string|nil
function Converters:regsub(input, regex, text3, text4) end

--- `reverse`: backwards
---@param input string|number|boolean
---@return string|nil
function Converters:reverse(input) end

--- `reverse_dom`: the labels of a domain name backwards
---@param input string|number|boolean
---@return string|nil
function Converters:reverse_dom(input) end

--- `rtrim`: without some characters at the end
---@param input string|number|boolean
---@param text string
---@return string|nil
function Converters:rtrim(input, text) end

--- `sdbm`: a hash of 32 bits
---@param input string|number|boolean
---@param number? integer
---@return integer|nil
function Converters:sdbm(input, number) end

--- `secure_memcmp`: equal to a variable
---@param input string|number|boolean
---@param text string
---@return boolean|integer|nil
function Converters:secure_memcmp(input, text) end

--- `set-var`: keeps it in a variable
---@param input string|number|boolean
---@param text2 string
---@param text3? string
---@param text4? string
---@param text5? string
---@param text6? string
---@return string|number|boolean|nil
function Converters:set_var(input, text2, text3, text4, text5, text6) end

--- `sha1`: the digest SHA-1
---@param input string|number|boolean
---@return string|nil
function Converters:sha1(input) end

--- `sha2`: the digest SHA-2 of some bits, 256 by default
---@param input string|number|boolean
---@param number? integer
---@return string|nil
function Converters:sha2(input, number) end

--- `srv_is_up`: whether a server is usable
---@param input string|number|boolean
---@return boolean|integer|nil
function Converters:srv_is_up(input) end

--- `srv_queue`: requests queued for a server
---@param input string|number|boolean
---@return integer|nil
function Converters:srv_queue(input) end

--- `strcmp`: compares with a variable
---@param input string|number|boolean
---@param text string
---@return integer|nil
function Converters:strcmp(input, text) end

--- `sub`: subtracts
---@param input string|number|boolean
---@param text string
---@return integer|nil
function Converters:sub(input, text) end

--- `ub64dec`: from base64 of URLs
---@param input string|number|boolean
---@return string|nil
function Converters:ub64dec(input) end

--- `ub64enc`: to base64 of URLs
---@param input string|number|boolean
---@return string|nil
function Converters:ub64enc(input) end

--- `unset-var`: removes a variable
---@param input string|number|boolean
---@param text string
---@return string|number|boolean|nil
function Converters:unset_var(input, text) end

--- `upper`: in upper case
---@param input string|number|boolean
---@return string|nil
function Converters:upper(input) end

--- `url_dec`: from the form of URLs
---@param input string|number|boolean
---@param number? integer
---@return string|nil
function Converters:url_dec(input, number) end

--- `url_enc`: to the form of URLs
---@param input string|number|boolean
---@param text? string
---@return string|nil
function Converters:url_enc(input, text) end

--- `us_ltime`: writes a date with a format
---@param input string|number|boolean
---@param text string
---@param number? integer
---@return string|nil
function Converters:us_ltime(input, text, number) end

--- `us_utime`: writes a date with a format
---@param input string|number|boolean
---@param text string
---@param number? integer
---@return string|nil
function Converters:us_utime(input, text, number) end

--- `utime`: writes a date with a format
---@param input string|number|boolean
---@param text string
---@param number? integer
---@return string|nil
function Converters:utime(input, text, number) end

--- `word`: a word between separators
---@param input string|number|boolean
---@param number2 integer
---@param text string
---@param number4? integer
---@return string|nil
function Converters:word(input, number2, text, number4) end

--- `wt6`: a hash of 32 bits
---@param input string|number|boolean
---@param number? integer
---@return integer|nil
function Converters:wt6(input, number) end

--- `xor`: the bits in which both differ
---@param input string|number|boolean
---@param text string
---@return integer|nil
function Converters:xor(input, text) end

--- `xxh3`: a hash with a seed
---@param input string|number|boolean
---@param number? integer
---@return integer|nil
function Converters:xxh3(input, number) end

--- `xxh32`: a hash with a seed
---@param input string|number|boolean
---@param number? integer
---@return integer|nil
function Converters:xxh32(input, number) end

--- `xxh64`: a hash with a seed
---@param input string|number|boolean
---@param number? integer
---@return integer|nil
function Converters:xxh64(input, number) end
