"""`ragpulse demo`: real requests through a real broker, an SLA breach, and the alert arriving at a receiver."""
