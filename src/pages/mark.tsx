/** The sign of the product, a gate within a gate. Decoration: the name always stands beside it. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
      <path class="gate" d="M3.5 21V11.5a8.5 8.5 0 0 1 17 0V21" />
      <path class="door" d="M8 21v-9a4 4 0 0 1 8 0v9z" />
    </svg>
  );
}
