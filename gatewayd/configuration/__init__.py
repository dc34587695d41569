"""Configuration: TOML files to one typed value, or all that is wrong with them."""
