"""The fault harness: proxies before the API server and AWS that crash the operator, lose replies and show old views."""
