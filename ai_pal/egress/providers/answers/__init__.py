"""What comes back, whoever sent it: events out of a body, what they tell, and what is no answer."""
