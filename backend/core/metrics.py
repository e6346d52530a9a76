"""What Prometheus may scrape, in one place."""

from prometheus_client import Counter, Gauge, Histogram

COMMIT_BATCH = Histogram(
    "rapport_commit_batch_size",
    "Business commits in one database transaction",
    buckets=(1, 2, 4, 8, 16, 32, 64),
)
COMMIT_RETRIES = Counter(
    "rapport_commit_retries_total", "Transactions tried again after a conflict or a lost answer"
)
COMMIT_STALE = Counter("rapport_commit_stale_total", "Operations run again because their ground had moved")
RELAY_PARKED = Gauge(
    "rapport_relay_parked", "Ledger entries that a listener failed on too often", ["listener"]
)
RELAY_LAG = Gauge("rapport_relay_lag", "Commits that a listener has not seen yet", ["listener"])
HTTP_REQUESTS = Counter("rapport_http_requests_total", "HTTP requests", ["method", "route", "status"])
HTTP_SECONDS = Histogram(
    "rapport_http_request_seconds", "Time to answer an HTTP request", ["method", "route"]
)
GRAPHQL_SECONDS = Histogram("rapport_graphql_operation_seconds", "Time to run a GraphQL operation", ["type"])
