"""For each shipped connector: invented answers of the shape its source gives, and what must come out of them."""
