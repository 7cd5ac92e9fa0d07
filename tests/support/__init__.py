"""What several test folders share: servers, proxies, clients and what Hypothesis draws."""
