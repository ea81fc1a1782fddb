"""What we ask of AWS, through the Amazon provider's hooks."""
