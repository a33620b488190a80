"""The portal of Ensemble: the page and the API that send every visitor to the least-loaded Jitsi server."""

__version__ = "0.1.0"
