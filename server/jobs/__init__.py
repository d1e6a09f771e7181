"""Long work that is asked for in one request and told of in others: held by one worker at a time, told at its end."""
