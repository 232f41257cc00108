"""What people see: each module asks store, graph and index, and explains itself."""
