// planted: lint/suspicious/noConsole
console.error('printed');
