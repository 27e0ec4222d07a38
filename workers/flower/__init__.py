"""The connector's own pages inside Flower: dead letters, what is held, tenants."""
