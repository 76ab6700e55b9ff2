"""Who runs jobs: this process, worker processes, a Ray cluster."""
