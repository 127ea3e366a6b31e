"""The pages, one script each: they put parts together that live in other rooms."""
