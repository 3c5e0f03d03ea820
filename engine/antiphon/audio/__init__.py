"""Clocks, with or without a device: each calls the same `ap_block`."""
