/** What a session's row keeps of its secret, and of the synchronizer token made of that. */
export interface SessionSecret {
  readonly proofDigest: string;
  readonly synchronizerDigest: string;
  readonly synchronizerGeneration: number;
  /** With which the database checks which tenant a request is said to be for. */
  readonly selectionKey: string;
}

export function secretColumns(secret: SessionSecret) {
  return {
    proof_digest: secret.proofDigest,
    synchronizer_digest: secret.synchronizerDigest,
    synchronizer_generation: secret.synchronizerGeneration,
    selection_key: secret.selectionKey,
  };
}
