"""packhouse_client: without a server, against the application in this process, and against a real server."""
