"""What the connector adds inside Flower."""
