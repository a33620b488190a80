-- Answers on /health while Prosody serves.
module:set_global();
module:depends("http");
module:provides("http", {
    default_path = "/health";
    route = { GET = function () return "OK"; end };
});
