"""Speed and quality, measured side by side with the seed's recipe."""
