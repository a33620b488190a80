-- A template: prosody.py fills it in at start.
pidfile = "/run/prosody/prosody.pid"
data_path = "/var/lib/prosody"
plugin_paths = { "/prosody-plugins", "/prosody-plugins-custom" }
modules_enabled = { "roster", "saslauth", "disco", "ping", "bosh", "websocket", "http_openmetrics", "health" }
modules_disabled = { "s2s", "tls" }
log = { { levels = { min = "${log_level}" }, to = "console" } }

http_ports = { 5280 }
http_interfaces = { "*" }
https_ports = {}
http_default_host = "${domain}"
statistics = "internal"
statistics_interval = "manual"
openmetrics_allow_cidr = "${metrics_cidr}"
trusted_proxies = { ${trusted_proxies} }
consider_bosh_secure = true
consider_websocket_secure = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_hashed"

VirtualHost "${domain}"
    authentication = "anonymous"

VirtualHost "${auth_domain}"
    authentication = "internal_hashed"

Component "${muc_domain}" "muc"
    restrict_room_creation = false
