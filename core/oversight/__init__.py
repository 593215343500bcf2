"""What leads see and do: review, the data page, the dashboard, agreement."""
