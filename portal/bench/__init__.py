"""The portal's speed beside the same work on Node's own http server."""
