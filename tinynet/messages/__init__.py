"""What tinynet says to a person: errors of arguments and names, and warnings of likely mistakes."""
