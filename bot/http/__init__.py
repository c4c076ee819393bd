"""HTTP: the routes by which products and people's tools reach Badday."""
