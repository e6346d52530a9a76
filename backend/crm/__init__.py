"""Customers and what happens with them: accounts, contacts, tasks, activities."""
