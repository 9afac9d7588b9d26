"""What comes one after the other: recurrent networks, and the five shapes of them."""
