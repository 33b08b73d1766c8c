"""Serving a model over HTTP, with its pipeline embedded.

Started as `python -m mlform.serving CONFIG.json`, where CONFIG is::

    {"name": "survival",                 # of the endpoint; also the Open Inference model name
     "model": "/path/of/the/artifact",
     "digest": "sha256:…",               # optional: refuse an artifact with other content
     "host": "127.0.0.1", "port": 0,     # 0 = any free port
     "instance": "…",                    # of this process; answered as header `mlform-instance`
     "ready_file": "/path" | null,       # written {"port", "pid"} once ready
     "options": {…}}                     # see `configuration.ServingOptions`

The model is loaded and its stored reference rows are scored again; only if the scores are those of
training (`selftest` says how close) does the server listen. Otherwise it says why on standard error
and exits 1. SIGTERM: answers carry `Connection: close` for `drain_seconds`, requests under way
finish (at most `stop_seconds`), exit 0.

Routes
------
`POST /predict`, `Content-Type: application/json`. Body: `{"rows": [{column: value, …}, …]}`, or the
bare list, or one bare object. Every column of the signature must be given, null for a missing value
where the column is nullable, and no other. Dates and times are ISO 8601 strings. Answer::

    {"predictions": [{"prediction": "yes", "probabilities": {"no": 0.2, "yes": 0.8}}, …],
     "model": {"name": "survival", "version": "4ab1c0de7788"}}

`probabilities` is there for classifiers only; its keys are the classes as text (`true`, `false` for
booleans). `version` is the start of the artifact's digest.

`GET /`: the signature, the routes and an example request made of the reference rows.

`GET /metrics`: Prometheus text, see `metrics`.

Open Inference Protocol V2: `GET /v2`, `GET /v2/health/live`, `GET /v2/health/ready`,
`GET /v2/models/NAME[/versions/V]`, `GET …/ready`, `POST …/infer`. One input tensor for each column
of the signature, shape [n] or [n, 1]; missing values are null in `data`. Outputs, shape [n]:
`prediction`, and for classifiers `probability` (of the second class of two) or
`probability_CLASS`. No binary tensor extension.

Errors: 400 malformed request (which row, which column, what was expected), 404 (the routes there
are), 405, 413, 415, 500, 503 (too many requests at once). Under /v2 their body is
`{"error": "…"}` as the protocol has it, elsewhere `{"error": {"summary": "…", "detail": "…"}}`.

The gateway that lets servers take turns behind one port is `mlform.serving.gateway`.
"""
