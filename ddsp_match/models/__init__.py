"""What owns free numbers and makes controls of them."""
