"""What both clients share: requests, responses and decisions, without any IO of its own."""
