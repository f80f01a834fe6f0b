"""The feed: every committed change, in order, to everybody who watches."""
