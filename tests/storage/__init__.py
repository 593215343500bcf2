"""Promises of the datastores and of decoding."""
