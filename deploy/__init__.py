"""What it takes to run the connector: servers, sandbox, benchmarks."""
