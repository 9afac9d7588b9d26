"""What the lectures say of training in practice: optimizers, batch-norm, dropout, variations."""
