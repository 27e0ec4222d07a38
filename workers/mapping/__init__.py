"""Pure mapping from BILL's models to Visma's; no IO."""
