"""The control interface under /control: loopback only, no authentication, JSON."""
