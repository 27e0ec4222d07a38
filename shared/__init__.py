"""What ingress and workers both stand on; imports neither."""
