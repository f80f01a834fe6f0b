"""The API: requests are checked, passed on, and rendered. Nothing else in the server speaks gRPC."""
