"""Simulates fleets under several ways of choosing a server, with the portal's own chooser among them."""
