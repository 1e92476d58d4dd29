"""Services that are not lyrics, carried by the same job system, which knows none of them."""
