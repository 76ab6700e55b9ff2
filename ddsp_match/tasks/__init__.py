"""One verb, one file, one public function of that name."""
