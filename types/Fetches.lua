---@meta
-- Printed by `luaproxy types`: do not edit.

--- HAProxy's own, as methods.
---@class Fetches
local Fetches = {}

--- `accept_date`: a date, since 1970
---@param text? string
---@return integer|nil
function Fetches:accept_date(text) end

--- `act_conn`: open connections of clients
---@return integer|nil
function Fetches:act_conn() end

--- `always_false`: false
---@return boolean|integer|nil
function Fetches:always_false() end

--- `always_true`: true
---@return boolean|integer|nil
function Fetches:always_true() end

--- `avg_queue`: requests queued per server
---@param backend string
---@return integer|nil
function Fetches:avg_queue(backend) end

--- `base`: the host and the path
---@return string|nil
function Fetches:base() end

--- `base32`: a hash of the host and the path
---@return integer|nil
function Fetches:base32() end

--- `base32+src`: base32 and the client's address
---@return string|nil
function Fetches:base32_src() end

--- `baseq`: the host, the path and the query
---@return string|nil
function Fetches:baseq() end

--- `bc_dst`: where the server is
---@return string|nil
function Fetches:bc_dst() end

--- `bc_dst_port`: the server's port
---@return integer|nil
function Fetches:bc_dst_port() end

--- `bc_err`: error of the server's connection, 0
---@return integer|nil
function Fetches:bc_err() end

--- `bc_err_str`: the same in words
---@return string|nil
function Fetches:bc_err_str() end

--- `bc_http_major`: version of HTTP, 1 or 2
---@return integer|nil
function Fetches:bc_http_major() end

--- `bc_src`: where we connect from
---@return string|nil
function Fetches:bc_src() end

--- `bc_src_port`: the port we connect from
---@return integer|nil
function Fetches:bc_src_port() end

--- `bc.timer.connect`: a timer, in milliseconds
---@return integer|nil
function Fetches:bc_timer_connect() end

--- `be_conn`: connections of a backend
---@param backend string
---@return integer|nil
function Fetches:be_conn(backend) end

--- `be_conn_free`: free places of a backend
---@param backend string
---@return integer|nil
function Fetches:be_conn_free(backend) end

--- `be_connect_timeout`: milliseconds
---@return integer|nil
function Fetches:be_connect_timeout() end

--- `be_id`: number of the backend
---@return integer|nil
function Fetches:be_id() end

--- `be_name`: name of the backend
---@return string|nil
function Fetches:be_name() end

--- `be_queue_timeout`: milliseconds
---@return integer|nil
function Fetches:be_queue_timeout() end

--- `be_server_timeout`: milliseconds
---@return integer|nil
function Fetches:be_server_timeout() end

--- `be_tarpit_timeout`: milliseconds
---@return integer|nil
function Fetches:be_tarpit_timeout() end

--- `be_tunnel_timeout`: milliseconds
---@return integer|nil
function Fetches:be_tunnel_timeout() end

--- `bin`: these bytes, given in hexadecimal
---@param text string
---@return string|nil
function Fetches:bin(text) end

--- `bool`: this boolean
---@param text string
---@return boolean|integer|nil
function Fetches:bool(text) end

--- `bytes_in`: bytes from the client
---@return integer|nil
function Fetches:bytes_in() end

--- `bytes_out`: bytes to the client
---@return integer|nil
function Fetches:bytes_out() end

--- `capture.req.hdr`: a captured request header
---@param number integer
---@return string|nil
function Fetches:capture_req_hdr(number) end

--- `capture.req.method`: the method as it came
---@return string|nil
function Fetches:capture_req_method() end

--- `capture.req.uri`: the target as it came
---@return string|nil
function Fetches:capture_req_uri() end

--- `capture.req.ver`: HTTP/1.0 or HTTP/1.1
---@return string|nil
function Fetches:capture_req_ver() end

--- `capture.res.hdr`: a captured response header
---@param number integer
---@return string|nil
function Fetches:capture_res_hdr(number) end

--- `capture.res.ver`: HTTP/1.0 or HTTP/1.1
---@return string|nil
function Fetches:capture_res_ver() end

--- `connslots`: free places of a backend
---@param backend string
---@return integer|nil
function Fetches:connslots(backend) end

--- `cook`: a cookie of the request
---@param text? string
---@return string|nil
function Fetches:cook(text) end

--- `cook_cnt`: a cookie of the request
---@param text? string
---@return integer|nil
function Fetches:cook_cnt(text) end

--- `cook_val`: a cookie of the request
---@param text? string
---@return integer|nil
function Fetches:cook_val(text) end

--- `cookie`: a cookie
---@param text? string
---@return string|nil
function Fetches:cookie(text) end

--- `cur_client_timeout`: milliseconds
---@return integer|nil
function Fetches:cur_client_timeout() end

--- `cur_server_timeout`: milliseconds
---@return integer|nil
function Fetches:cur_server_timeout() end

--- `cur_tunnel_timeout`: milliseconds
---@return integer|nil
function Fetches:cur_tunnel_timeout() end

--- `date`: the date since 1970, with an offset
---@param number? integer
---@param text? string
---@return integer|nil
function Fetches:date(number, text) end

--- `date_us`: microseconds of the current second
---@return integer|nil
function Fetches:date_us() end

--- `dst`: where the client has connected to
---@return string|nil
function Fetches:dst() end

--- `dst_is_local`: whether dst is of this machine
---@return boolean|integer|nil
function Fetches:dst_is_local() end

--- `dst_port`: the port the client has connected to
---@return integer|nil
function Fetches:dst_port() end

--- `env`: a variable of the environment
---@param text string
---@return string|nil
function Fetches:env(text) end

--- `fc_dst`: where the client has connected to
---@return string|nil
function Fetches:fc_dst() end

--- `fc_dst_is_local`: whether it is of this machine
---@return boolean|integer|nil
function Fetches:fc_dst_is_local() end

--- `fc_dst_port`: the port the client has connected to
---@return integer|nil
function Fetches:fc_dst_port() end

--- `fc_err`: error of the client's connection, 0
---@return integer|nil
function Fetches:fc_err() end

--- `fc_err_str`: the same in words
---@return string|nil
function Fetches:fc_err_str() end

--- `fc_http_major`: version of HTTP, 1 or 2
---@return integer|nil
function Fetches:fc_http_major() end

--- `fc_pp_authority`: authority of the PROXY header
---@return string|nil
function Fetches:fc_pp_authority() end

--- `fc_pp_tlv`: value of a TLV of the PROXY header
---@param text string
---@return string|nil
function Fetches:fc_pp_tlv(text) end

--- `fc_pp_unique_id`: unique id of the PROXY header
---@return string|nil
function Fetches:fc_pp_unique_id() end

--- `fc_rcvd_proxy`: whether a PROXY header came
---@return boolean|integer|nil
function Fetches:fc_rcvd_proxy() end

--- `fc_src`: where the client is
---@return string|nil
function Fetches:fc_src() end

--- `fc_src_is_local`: whether it is of this machine
---@return boolean|integer|nil
function Fetches:fc_src_is_local() end

--- `fc_src_port`: the client's port
---@return integer|nil
function Fetches:fc_src_port() end

--- `fc.timer.handshake`: a timer, in milliseconds
---@return integer|nil
function Fetches:fc_timer_handshake() end

--- `fc.timer.total`: a timer, in milliseconds
---@return integer|nil
function Fetches:fc_timer_total() end

--- `fe_client_timeout`: milliseconds
---@return integer|nil
function Fetches:fe_client_timeout() end

--- `fe_conn`: connections of a frontend
---@param frontend string
---@return integer|nil
function Fetches:fe_conn(frontend) end

--- `fe_id`: number of the frontend
---@return integer|nil
function Fetches:fe_id() end

--- `fe_name`: name of the frontend
---@return string|nil
function Fetches:fe_name() end

--- `hdr`: a value of a header, by default the last
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:hdr(text, number) end

--- `hdr_cnt`: how many values a header has
---@param text? string
---@return integer|nil
function Fetches:hdr_cnt(text) end

--- `hdr_ip`: an address in a header
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:hdr_ip(text, number) end

--- `hdr_val`: a number in a header
---@param text? string
---@param number? integer
---@return integer|nil
function Fetches:hdr_val(text, number) end

--- `hostname`: the machine's name
---@return string|nil
function Fetches:hostname() end

--- `http_auth_bearer`: the token of a client
---@param text? string
---@return string|nil
function Fetches:http_auth_bearer(text) end

--- `http_auth_pass`: the client's password
---@return string|nil
function Fetches:http_auth_pass() end

--- `http_auth_type`: the client's scheme
---@return string|nil
function Fetches:http_auth_type() end

--- `http_auth_user`: the client's name
---@return string|nil
function Fetches:http_auth_user() end

--- `http_first_req`: first of its connection
---@return boolean|integer|nil
function Fetches:http_first_req() end

--- `int`: this number
---@param number integer
---@return integer|nil
function Fetches:int(number) end

--- `internal.strm.is_htx`: the stream speaks HTTP
---@return boolean|integer|nil
function Fetches:internal_strm_is_htx() end

--- `ipv4`: this address
---@param address string
---@return string|nil
function Fetches:ipv4(address) end

--- `ipv6`: this address
---@param address string
---@return string|nil
function Fetches:ipv6(address) end

--- `meth`: this method
---@param text string
---@return string|nil
function Fetches:meth(text) end

--- `method`: the method
---@return string|nil
function Fetches:method() end

--- `nbproc`: the number of processes
---@return integer|nil
function Fetches:nbproc() end

--- `nbsrv`: usable servers of a backend
---@param backend string
---@return integer|nil
function Fetches:nbsrv(backend) end

--- `path`: the path
---@return string|nil
function Fetches:path() end

--- `pathq`: the path and the query
---@return string|nil
function Fetches:pathq() end

--- `payload`: some bytes: from an offset, of a length
---@param number1 integer
---@param number2 integer
---@return string|nil
function Fetches:payload(number1, number2) end

--- `payload_lv`: some bytes whose length is among them
---@param number1 integer
---@param number2 integer
---@param text? string
---@return string|nil
function Fetches:payload_lv(number1, number2, text) end

--- `pid`: the number of the process
---@return integer|nil
function Fetches:pid() end

--- `proc`: the rank of the process
---@return integer|nil
function Fetches:proc() end

--- `query`: the query without its mark
---@param text? string
---@return string|nil
function Fetches:query(text) end

--- `queue`: requests queued for a backend
---@param backend string
---@return integer|nil
function Fetches:queue(backend) end

--- `quic_enabled`: whether QUIC is spoken
---@return boolean|integer|nil
function Fetches:quic_enabled() end

--- `rand`: a random number below a limit
---@param number? integer
---@return integer|nil
function Fetches:rand(number) end

--- `rep_ssl_hello_type`: type of the TLS message
---@return integer|nil
function Fetches:rep_ssl_hello_type() end

--- `req.body`: the body, as far as it came
---@return string|nil
function Fetches:req_body() end

--- `req.body_len`: its length so far
---@return integer|nil
function Fetches:req_body_len() end

--- `req.body_param`: a parameter in a form
---@param text1? string
---@param text2? string
---@return string|nil
function Fetches:req_body_param(text1, text2) end

--- `req.body_size`: its whole length
---@return integer|nil
function Fetches:req_body_size() end

--- `req.cook`: a cookie of the request
---@param text? string
---@return string|nil
function Fetches:req_cook(text) end

--- `req.cook_cnt`: a cookie of the request
---@param text? string
---@return integer|nil
function Fetches:req_cook_cnt(text) end

--- `req.cook_names`: a cookie of the request
---@param text? string
---@return string|nil
function Fetches:req_cook_names(text) end

--- `req.cook_val`: a cookie of the request
---@param text? string
---@return integer|nil
function Fetches:req_cook_val(text) end

--- `req.fhdr`: a line of a header
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:req_fhdr(text, number) end

--- `req.fhdr_cnt`: lines of a header
---@param text? string
---@return integer|nil
function Fetches:req_fhdr_cnt(text) end

--- `req.hdr`: a value of a header, by default the last
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:req_hdr(text, number) end

--- `req.hdr_cnt`: how many values a header has
---@param text? string
---@return integer|nil
function Fetches:req_hdr_cnt(text) end

--- `req.hdr_ip`: an address in a header
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:req_hdr_ip(text, number) end

--- `req.hdr_names`: the names of all headers
---@param text? string
---@return string|nil
function Fetches:req_hdr_names(text) end

--- `req.hdr_val`: a number in a header
---@param text? string
---@param number? integer
---@return integer|nil
function Fetches:req_hdr_val(text, number) end

--- `req.hdrs`: all headers with an empty line
---@return string|nil
function Fetches:req_hdrs() end

--- `req.hdrs_bin`: all headers, length-prefixed
---@return string|nil
function Fetches:req_hdrs_bin() end

--- `req.len`: bytes that came
---@return integer|nil
function Fetches:req_len() end

--- `req.payload`: some bytes: from an offset, of a length
---@param number1 integer
---@param number2 integer
---@return string|nil
function Fetches:req_payload(number1, number2) end

--- `req.payload_lv`: some bytes whose length is among them
---@param number1 integer
---@param number2 integer
---@param text? string
---@return string|nil
function Fetches:req_payload_lv(number1, number2, text) end

--- `req.proto_http`: the request is of HTTP
---@return boolean|integer|nil
function Fetches:req_proto_http() end

--- `req.ssl_alpn`: first protocol that the client offers by ALPN
---@return string|nil
function Fetches:req_ssl_alpn() end

--- `req.ssl_cipherlist`: ciphers that the client offers
---@return string|nil
function Fetches:req_ssl_cipherlist() end

--- `req.ssl_ec_ext`: whether the client has elliptic curves
---@return boolean|integer|nil
function Fetches:req_ssl_ec_ext() end

--- `req.ssl_hello_type`: type of the TLS message
---@return integer|nil
function Fetches:req_ssl_hello_type() end

--- `req.ssl_keyshare_groups`: groups that the client offers keys of
---@return string|nil
function Fetches:req_ssl_keyshare_groups() end

--- `req.ssl_sigalgs`: signature algorithms that the client offers
---@return string|nil
function Fetches:req_ssl_sigalgs() end

--- `req.ssl_sni`: server that the client asks for
---@return string|nil
function Fetches:req_ssl_sni() end

--- `req.ssl_st_ext`: session ticket: 0 none, 1 wanted, 2 there
---@return integer|nil
function Fetches:req_ssl_st_ext() end

--- `req.ssl_supported_groups`: groups that the client offers
---@return string|nil
function Fetches:req_ssl_supported_groups() end

--- `req.ssl_ver`: version that the client offers
---@return integer|nil
function Fetches:req_ssl_ver() end

--- `req.timer.hdr`: a timer, in milliseconds
---@return integer|nil
function Fetches:req_timer_hdr() end

--- `req.timer.idle`: a timer, in milliseconds
---@return integer|nil
function Fetches:req_timer_idle() end

--- `req.timer.queue`: a timer, in milliseconds
---@return integer|nil
function Fetches:req_timer_queue() end

--- `req.timer.tq`: a timer, in milliseconds
---@return integer|nil
function Fetches:req_timer_tq() end

--- `req.ver`: the version of the request
---@return string|nil
function Fetches:req_ver() end

--- `request_date`: a date, since 1970
---@param text? string
---@return integer|nil
function Fetches:request_date(text) end

--- `res.body`: the body, as far as it came
---@return string|nil
function Fetches:res_body() end

--- `res.body_len`: its length so far
---@return integer|nil
function Fetches:res_body_len() end

--- `res.body_size`: its whole length
---@return integer|nil
function Fetches:res_body_size() end

--- `res.cook`: a cookie of the response
---@param text? string
---@return string|nil
function Fetches:res_cook(text) end

--- `res.cook_cnt`: a cookie of the response
---@param text? string
---@return integer|nil
function Fetches:res_cook_cnt(text) end

--- `res.cook_names`: a cookie of the response
---@param text? string
---@return string|nil
function Fetches:res_cook_names(text) end

--- `res.cook_val`: a cookie of the response
---@param text? string
---@return integer|nil
function Fetches:res_cook_val(text) end

--- `res.fhdr`: a line of a header
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:res_fhdr(text, number) end

--- `res.fhdr_cnt`: lines of a header
---@param text? string
---@return integer|nil
function Fetches:res_fhdr_cnt(text) end

--- `res.hdr`: a value of a header, by default the last
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:res_hdr(text, number) end

--- `res.hdr_cnt`: how many values a header has
---@param text? string
---@return integer|nil
function Fetches:res_hdr_cnt(text) end

--- `res.hdr_ip`: an address in a header
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:res_hdr_ip(text, number) end

--- `res.hdr_names`: the names of all headers
---@param text? string
---@return string|nil
function Fetches:res_hdr_names(text) end

--- `res.hdr_val`: a number in a header
---@param text? string
---@param number? integer
---@return integer|nil
function Fetches:res_hdr_val(text, number) end

--- `res.hdrs`: all headers with an empty line
---@return string|nil
function Fetches:res_hdrs() end

--- `res.hdrs_bin`: all headers, length-prefixed
---@return string|nil
function Fetches:res_hdrs_bin() end

--- `res.len`: bytes that came
---@return integer|nil
function Fetches:res_len() end

--- `res.payload`: some bytes: from an offset, of a length
---@param number1 integer
---@param number2 integer
---@return string|nil
function Fetches:res_payload(number1, number2) end

--- `res.payload_lv`: some bytes whose length is among them
---@param number1 integer
---@param number2 integer
---@param text? string
---@return string|nil
function Fetches:res_payload_lv(number1, number2, text) end

--- `res.ssl_hello_type`: type of the TLS message
---@return integer|nil
function Fetches:res_ssl_hello_type() end

--- `res.timer.data`: a timer, in milliseconds
---@return integer|nil
function Fetches:res_timer_data() end

--- `res.timer.hdr`: a timer, in milliseconds
---@return integer|nil
function Fetches:res_timer_hdr() end

--- `res.ver`: the version of the response
---@return string|nil
function Fetches:res_ver() end

--- `resp_ver`: the version of the response
---@return string|nil
function Fetches:resp_ver() end

--- `scook`: a cookie of the response
---@param text? string
---@return string|nil
function Fetches:scook(text) end

--- `scook_cnt`: a cookie of the response
---@param text? string
---@return integer|nil
function Fetches:scook_cnt(text) end

--- `scook_val`: a cookie of the response
---@param text? string
---@return integer|nil
function Fetches:scook_val(text) end

--- `server_status`: the status from the server
---@return integer|nil
function Fetches:server_status() end

--- `shdr`: a value of a header, by default the last
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:shdr(text, number) end

--- `shdr_cnt`: how many values a header has
---@param text? string
---@return integer|nil
function Fetches:shdr_cnt(text) end

--- `shdr_ip`: an address in a header
---@param text? string
---@param number? integer
---@return string|nil
function Fetches:shdr_ip(text, number) end

--- `shdr_val`: a number in a header
---@param text? string
---@param number? integer
---@return integer|nil
function Fetches:shdr_val(text, number) end

--- `so_id`: number of the bind line
---@return integer|nil
function Fetches:so_id() end

--- `so_name`: name of the bind line
---@return string|nil
function Fetches:so_name() end

--- `src`: where the client is
---@return string|nil
function Fetches:src() end

--- `src_is_local`: whether src is of this machine
---@return boolean|integer|nil
function Fetches:src_is_local() end

--- `src_port`: the client's port
---@return integer|nil
function Fetches:src_port() end

--- `srv_conn`: connections of a server
---@param server string
---@return integer|nil
function Fetches:srv_conn(server) end

--- `srv_conn_free`: free places of a server
---@param server string
---@return integer|nil
function Fetches:srv_conn_free(server) end

--- `srv_id`: number of the server
---@return integer|nil
function Fetches:srv_id() end

--- `srv_is_up`: whether a server is usable
---@param server string
---@return boolean|integer|nil
function Fetches:srv_is_up(server) end

--- `srv_iweight`: configured weight of a server
---@param server string
---@return integer|nil
function Fetches:srv_iweight(server) end

--- `srv_name`: name of the server
---@return string|nil
function Fetches:srv_name() end

--- `srv_queue`: requests queued for a server
---@param server string
---@return integer|nil
function Fetches:srv_queue(server) end

--- `srv_uweight`: weight of a server
---@param server string
---@return integer|nil
function Fetches:srv_uweight(server) end

--- `srv_weight`: effective weight of a server
---@param server string
---@return integer|nil
function Fetches:srv_weight(server) end

--- `ssl_bc`: whether the server speaks TLS
---@return boolean|integer|nil
function Fetches:ssl_bc() end

--- `ssl_bc_alg_keysize`: bits of the cipher's key
---@return integer|nil
function Fetches:ssl_bc_alg_keysize() end

--- `ssl_bc_alpn`: protocol chosen with TLS
---@return string|nil
function Fetches:ssl_bc_alpn() end

--- `ssl_bc_cipher`: cipher
---@return string|nil
function Fetches:ssl_bc_cipher() end

--- `ssl_bc_curve`: group of the key exchange
---@return string|nil
function Fetches:ssl_bc_curve() end

--- `ssl_bc_err`: error of TLS, 0
---@return integer|nil
function Fetches:ssl_bc_err() end

--- `ssl_bc_err_str`: the same in words
---@return string|nil
function Fetches:ssl_bc_err_str() end

--- `ssl_bc_is_resumed`: whether TLS was resumed
---@return boolean|integer|nil
function Fetches:ssl_bc_is_resumed() end

--- `ssl_bc_protocol`: version of TLS
---@return string|nil
function Fetches:ssl_bc_protocol() end

--- `ssl_bc_use_keysize`: bits of the cipher's key
---@return integer|nil
function Fetches:ssl_bc_use_keysize() end

--- `ssl_c_ca_err`: error of the client's issuer
---@return integer|nil
function Fetches:ssl_c_ca_err() end

--- `ssl_c_ca_err_depth`: where in its chain that is
---@return integer|nil
function Fetches:ssl_c_ca_err_depth() end

--- `ssl_c_chain_der`: the client's certificates, in DER
---@return string|nil
function Fetches:ssl_c_chain_der() end

--- `ssl_c_der`: the client's certificate, in DER
---@return string|nil
function Fetches:ssl_c_der() end

--- `ssl_c_err`: error of the client's certificate
---@return integer|nil
function Fetches:ssl_c_err() end

--- `ssl_c_i_dn`: issuer of the client's certificate, or an entry of it
---@param text1? string
---@param number? integer
---@param text3? string
---@return string|nil
function Fetches:ssl_c_i_dn(text1, number, text3) end

--- `ssl_c_key_alg`: kind of its key
---@return string|nil
function Fetches:ssl_c_key_alg() end

--- `ssl_c_notafter`: its end, as `YYMMDDhhmmssZ`
---@return string|nil
function Fetches:ssl_c_notafter() end

--- `ssl_c_notbefore`: its beginning, as `YYMMDDhhmmssZ`
---@return string|nil
function Fetches:ssl_c_notbefore() end

--- `ssl_c_s_dn`: subject of the client's certificate, or an entry of it
---@param text1? string
---@param number? integer
---@param text3? string
---@return string|nil
function Fetches:ssl_c_s_dn(text1, number, text3) end

--- `ssl_c_san`: its other names
---@return string|nil
function Fetches:ssl_c_san() end

--- `ssl_c_serial`: its serial number
---@return string|nil
function Fetches:ssl_c_serial() end

--- `ssl_c_sha1`: its SHA-1 fingerprint
---@return string|nil
function Fetches:ssl_c_sha1() end

--- `ssl_c_sig_alg`: what it is signed with
---@return string|nil
function Fetches:ssl_c_sig_alg() end

--- `ssl_c_used`: whether the client has a certificate
---@return boolean|integer|nil
function Fetches:ssl_c_used() end

--- `ssl_c_verify`: result of the client's verification
---@return integer|nil
function Fetches:ssl_c_verify() end

--- `ssl_c_version`: its version
---@return integer|nil
function Fetches:ssl_c_version() end

--- `ssl_f_der`: the certificate that the client was shown, in DER
---@return string|nil
function Fetches:ssl_f_der() end

--- `ssl_f_i_dn`: its issuer, or an entry of it
---@param text1? string
---@param number? integer
---@param text3? string
---@return string|nil
function Fetches:ssl_f_i_dn(text1, number, text3) end

--- `ssl_f_key_alg`: kind of its key
---@return string|nil
function Fetches:ssl_f_key_alg() end

--- `ssl_f_notafter`: its end, as `YYMMDDhhmmssZ`
---@return string|nil
function Fetches:ssl_f_notafter() end

--- `ssl_f_notbefore`: its beginning, as `YYMMDDhhmmssZ`
---@return string|nil
function Fetches:ssl_f_notbefore() end

--- `ssl_f_s_dn`: its subject, or an entry of it
---@param text1? string
---@param number? integer
---@param text3? string
---@return string|nil
function Fetches:ssl_f_s_dn(text1, number, text3) end

--- `ssl_f_serial`: its serial number
---@return string|nil
function Fetches:ssl_f_serial() end

--- `ssl_f_sha1`: its SHA-1 fingerprint
---@return string|nil
function Fetches:ssl_f_sha1() end

--- `ssl_f_sig_alg`: what it is signed with
---@return string|nil
function Fetches:ssl_f_sig_alg() end

--- `ssl_f_version`: its version
---@return integer|nil
function Fetches:ssl_f_version() end

--- `ssl_fc`: whether the client speaks TLS
---@return boolean|integer|nil
function Fetches:ssl_fc() end

--- `ssl_fc_alg_keysize`: bits of the cipher's key
---@return integer|nil
function Fetches:ssl_fc_alg_keysize() end

--- `ssl_fc_alpn`: protocol chosen with TLS
---@return string|nil
function Fetches:ssl_fc_alpn() end

--- `ssl_fc_cipher`: cipher
---@return string|nil
function Fetches:ssl_fc_cipher() end

--- `ssl_fc_cipherlist_bin`: ciphers that the client offers; 1 leaves out grease
---@param number? integer
---@return string|nil
function Fetches:ssl_fc_cipherlist_bin(number) end

--- `ssl_fc_cipherlist_hex`: the same in hexadecimal
---@param number? integer
---@return string|nil
function Fetches:ssl_fc_cipherlist_hex(number) end

--- `ssl_fc_cipherlist_str`: the same by OpenSSL's names
---@param number? integer
---@return string|nil
function Fetches:ssl_fc_cipherlist_str(number) end

--- `ssl_fc_cipherlist_xxh`: hash of the same
---@return integer|nil
function Fetches:ssl_fc_cipherlist_xxh() end

--- `ssl_fc_client_random`: the client's random bytes
---@return string|nil
function Fetches:ssl_fc_client_random() end

--- `ssl_fc_crtname`: file of the certificate that the client was shown
---@return string|nil
function Fetches:ssl_fc_crtname() end

--- `ssl_fc_curve`: group of the key exchange
---@return string|nil
function Fetches:ssl_fc_curve() end

--- `ssl_fc_early_rcvd`: whether early data came, no
---@return boolean|integer|nil
function Fetches:ssl_fc_early_rcvd() end

--- `ssl_fc_ecformats_bin`: formats of points that the client offers
---@return string|nil
function Fetches:ssl_fc_ecformats_bin() end

--- `ssl_fc_eclist_bin`: groups that the client offers; 1 leaves out grease
---@param number? integer
---@return string|nil
function Fetches:ssl_fc_eclist_bin(number) end

--- `ssl_fc_err`: error of TLS, 0
---@return integer|nil
function Fetches:ssl_fc_err() end

--- `ssl_fc_err_str`: the same in words
---@return string|nil
function Fetches:ssl_fc_err_str() end

--- `ssl_fc_extlist_bin`: extensions that the client sends; 1 leaves out grease
---@param number? integer
---@return string|nil
function Fetches:ssl_fc_extlist_bin(number) end

--- `ssl_fc_has_crt`: whether the client gave a certificate
---@return boolean|integer|nil
function Fetches:ssl_fc_has_crt() end

--- `ssl_fc_has_early`: whether early data was used, no
---@return boolean|integer|nil
function Fetches:ssl_fc_has_early() end

--- `ssl_fc_has_sni`: whether the client has named a server
---@return boolean|integer|nil
function Fetches:ssl_fc_has_sni() end

--- `ssl_fc_is_resumed`: whether TLS was resumed
---@return boolean|integer|nil
function Fetches:ssl_fc_is_resumed() end

--- `ssl_fc_protocol`: version of TLS
---@return string|nil
function Fetches:ssl_fc_protocol() end

--- `ssl_fc_protocol_hello_id`: version that the client's first message has
---@return integer|nil
function Fetches:ssl_fc_protocol_hello_id() end

--- `ssl_fc_sigalgs_bin`: signature algorithms that the client offers; 1 leaves out grease
---@param number? integer
---@return string|nil
function Fetches:ssl_fc_sigalgs_bin(number) end

--- `ssl_fc_sni`: server that the client has named
---@return string|nil
function Fetches:ssl_fc_sni() end

--- `ssl_fc_supported_versions_bin`: versions that the client offers; 1 leaves out grease
---@param number? integer
---@return string|nil
function Fetches:ssl_fc_supported_versions_bin(number) end

--- `ssl_fc_use_keysize`: bits of the cipher's key
---@return integer|nil
function Fetches:ssl_fc_use_keysize() end

--- `ssl_s_chain_der`: the server's certificates, in DER
---@return string|nil
function Fetches:ssl_s_chain_der() end

--- `ssl_s_der`: the server's certificate, in DER
---@return string|nil
function Fetches:ssl_s_der() end

--- `ssl_s_i_dn`: issuer of the server's certificate, or an entry of it
---@param text1? string
---@param number? integer
---@param text3? string
---@return string|nil
function Fetches:ssl_s_i_dn(text1, number, text3) end

--- `ssl_s_key_alg`: kind of its key
---@return string|nil
function Fetches:ssl_s_key_alg() end

--- `ssl_s_notafter`: its end, as `YYMMDDhhmmssZ`
---@return string|nil
function Fetches:ssl_s_notafter() end

--- `ssl_s_notbefore`: its beginning, as `YYMMDDhhmmssZ`
---@return string|nil
function Fetches:ssl_s_notbefore() end

--- `ssl_s_s_dn`: subject of the server's certificate, or an entry of it
---@param text1? string
---@param number? integer
---@param text3? string
---@return string|nil
function Fetches:ssl_s_s_dn(text1, number, text3) end

--- `ssl_s_serial`: its serial number
---@return string|nil
function Fetches:ssl_s_serial() end

--- `ssl_s_sha1`: its SHA-1 fingerprint
---@return string|nil
function Fetches:ssl_s_sha1() end

--- `ssl_s_sig_alg`: what it is signed with
---@return string|nil
function Fetches:ssl_s_sig_alg() end

--- `ssl_s_version`: its version
---@return integer|nil
function Fetches:ssl_s_version() end

--- `status`: the status
---@return integer|nil
function Fetches:status() end

--- `stopping`: whether the process is stopping
---@return boolean|integer|nil
function Fetches:stopping() end

--- `str`: this text
---@param text string
---@return string|nil
function Fetches:str(text) end

--- `tgroup`: the group of the worker
---@return integer|nil
function Fetches:tgroup() end

--- `thread`: the number of the worker
---@return integer|nil
function Fetches:thread() end

--- `txn.conn_retries`: connections tried again
---@return integer|nil
function Fetches:txn_conn_retries() end

--- `txn.id32`: the number of the exchange
---@return integer|nil
function Fetches:txn_id32() end

--- `txn.redispatched`: another server was tried
---@return boolean|integer|nil
function Fetches:txn_redispatched() end

--- `txn.sess_term_state`: who ended it, and when
---@return string|nil
function Fetches:txn_sess_term_state() end

--- `txn.status`: the status to the client
---@return integer|nil
function Fetches:txn_status() end

--- `txn.timer.total`: a timer, in milliseconds
---@return integer|nil
function Fetches:txn_timer_total() end

--- `txn.timer.user`: a timer, in milliseconds
---@return integer|nil
function Fetches:txn_timer_user() end

--- `unique-id`: the identifier of the exchange
---@return string|nil
function Fetches:unique_id() end

--- `url`: the target as it was sent
---@return string|nil
function Fetches:url() end

--- `url32`: a hash of the host and the target
---@return integer|nil
function Fetches:url32() end

--- `url32+src`: url32 and the client's address
---@return string|nil
function Fetches:url32_src() end

--- `url_ip`: the address in an absolute target
---@return string|nil
function Fetches:url_ip() end

--- `url_param`: a parameter in the query
---@param text1? string
---@param text2? string
---@param text3? string
---@return string|nil
function Fetches:url_param(text1, text2, text3) end

--- `url_port`: the port in an absolute target
---@return integer|nil
function Fetches:url_port() end

--- `urlp`: a parameter in the query
---@param text1? string
---@param text2? string
---@param text3? string
---@return string|nil
function Fetches:urlp(text1, text2, text3) end

--- `urlp_val`: a number in the query
---@param text1? string
---@param text2? string
---@param text3? string
---@return integer|nil
function Fetches:urlp_val(text1, text2, text3) end

--- `uuid`: a random identifier (RFC 4122)
---@param number? integer
---@return string|nil
function Fetches:uuid(number) end

--- `var`: a variable, or the default
---@param text1 string
---@param text2? string
---@return string|number|boolean|nil
function Fetches:var(text1, text2) end

--- `wait_end`: true once no more data will come
---@return boolean|integer|nil
function Fetches:wait_end() end
