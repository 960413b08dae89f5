"""Chat templates said by what they are made of (marks, places, rules): their Jinja text is made from that."""
