"""The contracts: what travels on topics, the policy file, and their coding. Imports nothing else of ragpulse."""
