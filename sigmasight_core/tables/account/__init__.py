"""Row models of a portfolio as an account: its cash comes before the positions' totals, its returns after."""
