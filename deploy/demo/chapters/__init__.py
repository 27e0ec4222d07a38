"""What happens in the day, by theme; ``deploy.demo.plot`` puts it in order."""
