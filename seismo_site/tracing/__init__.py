"""OpenTelemetry traces, sent over OTLP/HTTP: behind `SEISMO_TRACES`. Off, none of these modules is imported.

1. `provider` makes the tracer: trace identifiers from request identifiers, sampling, the exporter.
2. `middleware` makes the span of a request, `tasks` that of a task below it, `commands` that of a command.
3. `statements` makes the spans of the database and of the cache. Source calls and stages of scans are
   `marketdata.spans.span`.
"""
