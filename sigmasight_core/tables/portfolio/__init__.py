"""Row models of a portfolio by group, by scenario, by factor and by horizon, and of what is configured."""
