"""The gateway: owns the public port of an endpoint and forwards to the server of the moment.

Started as `python -m mlform.serving.gateway CONFIG.json`, where CONFIG is::

    {"host": "127.0.0.1", "port": 8080,          # 0 = any free port
     "route": "/path/of/route.json",
     "ready_file": "/path/of/ready.json" | null, # written {"port", "pid"} once the port listens
     "options": {"header_bytes": 65536, ...}}    # optional, see `configuration.GatewayOptions`

and the route file, replaced by an atomic rename whenever traffic shall go elsewhere, is::

    {"host": "127.0.0.1", "port": 41234, "instance": "…"}

or `{}` for "no server". The file is looked at every 30 ms and on SIGHUP. A route file that is
missing or cannot be understood leaves the last good route in force (a line on standard error says
so); before there is any route, requests are answered 503 with `Retry-After`.

A swap loses no request: the gateway speaks HTTP/1.1 on both sides and forwards request by request,
so that a client's connection outlives the server it was first answered by. Requests under way
finish where they are. A request whose server closed the connection before the first byte of an
answer is sent again to the current route if the connection was an idle one (the race of a
keep-alive connection closed as it is used) or if the route has changed meanwhile; requests to an
endpoint change nothing, so a second sending is safe. Only requests that fit in `replay_bytes` can
be sent again.

The gateway understands of HTTP what framing needs and nothing more: heads are limited in size and
checked for the ambiguities that request smuggling lives on; bodies stream in both directions with
back-pressure. Protocol upgrades are not carried.

Answers the gateway makes itself (400, 408, 431, 502, 503, 504) carry `mlform-gateway: 1` and the
body `{"error": {"summary", "detail"}}`.

SIGTERM stops accepting, lets exchanges under way finish (at most `drain_seconds`), then exits 0.
"""
